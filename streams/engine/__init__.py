"""The engine: exactly once, on Faust. It knows no billing; what to decide is handed to it."""
