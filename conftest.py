"""Loads clustergate's plugin. Policy of this repository goes here, and nothing else."""

pytest_plugins = ("clustergate.shell.plugin",)
