module gopybench

go 1.18
