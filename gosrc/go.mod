module gosrc

go 1.18
