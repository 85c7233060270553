"""The main job: items are looked at, decided on and recorded, one transaction a batch."""
