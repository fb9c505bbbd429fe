// The package's public names are re-exported here.
