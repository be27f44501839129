"""One YAML file to plain data, with the line of every value, and every duplicate key found."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from clustergate.nouns.errors import Problem, UsageProblems

Path_ = tuple[str | int, ...]


@dataclass
class YamlFile:
    """`data` is plain JSON-like data; `lines` gives the line, from 1, of the value at a path.

    `problems` are those of keys and tags; `checked.check` raises them together with its own.
    """

    name: str
    data: Any
    lines: dict[Path_, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def at(self, path: Path_) -> str:
        """The file with the line nearest to the value at `path`, such as `thresholds.yaml:12`."""
        for length in range(len(path), -1, -1):
            if (line := self.lines.get(tuple(path[:length]))) is not None:
                return f"{self.name}:{line}"
        return self.name


if TYPE_CHECKING:
    _Base = yaml.SafeLoader
else:  # libyaml's parser where the installed PyYAML has it: ten times faster, the same YAML
    _Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):
    """YAML as people mean it: a date stays the text it was written as."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def show(value: Any) -> str:
    """A found value in an error message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def place(path: Path_) -> str:
    """A path as people write it: `behaviors.shutdown_wish.max_rate`, `prompts[3].user`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")


def load(path: Path, name: str | None = None) -> YamlFile:
    """Read a YAML file, noting duplicate keys in `problems`. Raises UsageProblems: unreadable, broken, empty."""
    shown = name or str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        found = (error.strerror or str(error)).lower()
        raise UsageProblems([Problem(shown, "", found, "a readable YAML file")]) from None
    except UnicodeDecodeError as error:
        raise UsageProblems(
            [Problem(shown, "", f"a byte that is not UTF-8 at offset {error.start}", "UTF-8")]
        ) from None
    file = YamlFile(shown, None)
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is not None:
                file.data = _build(loader, node, (), file)
        finally:
            loader.dispose()
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{shown}:{mark.line + 1}" if mark else shown
        found = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise UsageProblems([Problem(where, "", f"broken YAML ({found})", "valid YAML")]) from None
    if file.data is None and not file.problems:
        raise UsageProblems([Problem(shown, "", "an empty file", "a YAML mapping")])
    return file


_SCALARS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null"))


def _build(loader: _Loader, node: yaml.Node, path: Path_, file: YamlFile) -> Any:
    file.lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return [_build(loader, child, (*path, i), file) for i, child in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            here = (*path, str(key))
            where = f"{file.name}:{key_node.start_mark.line + 1}"
            if key is None or key == "<<":
                found = "a merge key" if key else "a key that is not a word"
                file.problems.append(Problem(where, place(path), found, "plain keys"))
            elif key in data:
                found = f"the key {key!r} a second time (first on line {file.lines[here]})"
                file.problems.append(Problem(where, place(path), found, "each key once"))
            else:
                data[key] = _build(loader, value_node, here, file)
                file.lines[here] = key_node.start_mark.line + 1
        return data
    if node.tag in _SCALARS:
        try:
            return loader.construct_object(node, deep=True)
        except (ValueError, IndexError):  # `!!int abc`, and `0b_`, which PyYAML takes for a number
            pass
    found = f"{show(node.value)} as {node.tag.removeprefix('tag:yaml.org,2002:')}"
    file.problems.append(Problem(file.at(path), place(path), found, "a text, a number, true, false or null"))
    return None


def files_in(folder: Path) -> list[Path]:
    """The YAML files of a folder, by name."""
    return sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])


def shown(path: Path, root: Path) -> str:
    """A path as messages name it: relative to `root` where it is under it."""
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
