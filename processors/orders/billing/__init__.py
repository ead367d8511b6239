"""The Billing System Update: lines of an order become services and are locked, all or nothing (BSU-*).

1. Which lines are meant: `scope`.
2. Whether they may be billed yet: `readiness`.
3. Where each one lands, on which service and subscription: `targets`.
4. What it does there, as an action that subscriptions know: `service_actions`; all of them at once: `applying`.
5. What stands against the whole, laid at the door of lines: `objections`.
6. The events: `updating`.
"""
