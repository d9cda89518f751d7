set samples 2000; set isosamples 60; set hidden3d
set terminal svg; set output 'curve.svg'
plot sin(x)/x title 'one', besj0(x) with points, 'points' using 1:2 smooth csplines
set output 'surface.svg'; splot sin(x)*cos(y) with pm3d
set terminal dumb; set output 'text'; plot x**3 - 2*x
