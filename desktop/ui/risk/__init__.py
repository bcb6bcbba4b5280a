"""The risk models in the window: a form, the answer with what each value adds, and what if a value were another."""
