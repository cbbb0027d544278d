"""The sidecar: chargers speak OCPP-J to it."""
