"""GitHub over real HTTP, as far as pagewarden uses it. Of the house only the demo command imports it."""
