"""Synchronization: the customer data that billing needs, made, changed and taken back by the lines of orders.

`deciding.synchronize` answers the command; `carrying.cancelled` is what CancelOrder asks for.
"""
