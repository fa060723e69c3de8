module byhand

go 1.18
