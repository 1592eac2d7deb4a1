"""How well the pipeline tells apart what has to be told apart, measured on labelled probes: python -m quality."""
