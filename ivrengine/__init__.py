"""The call-centre engine: flows as code, on stock Asterisk."""

__version__ = "0.1.0"
