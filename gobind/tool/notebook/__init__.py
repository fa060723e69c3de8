"""Go in notebooks: the cell magic ``%%go``. `extension` alone imports IPython, which has loaded it."""
