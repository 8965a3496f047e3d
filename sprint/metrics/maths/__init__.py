"""The mathematics that metrics share: Fréchet distances, kernels, nearest neighbours."""
