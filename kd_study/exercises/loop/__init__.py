"""Steps, loops, caches and masks: where distillation goes wrong in practice."""
