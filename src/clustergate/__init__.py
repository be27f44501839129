"""clustergate: measures consciousness-cluster behaviors on a model endpoint and gates its release."""

__version__ = "0.1.0"
