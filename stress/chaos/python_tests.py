# Runs test modules of the standard library and tells what does not depend on the clock.
import contextlib, importlib, io, sys, unittest, warnings

warnings.simplefilter("ignore")
for name in sys.argv[1:]:
    suite = unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module(name))
    with contextlib.redirect_stdout(io.StringIO()):
        result = unittest.TextTestRunner(stream=io.StringIO()).run(suite)
    bad = sorted(str(test) for test, _ in result.failures + result.errors)
    print(name, result.testsRun, len(result.skipped), *bad, sep="\n  ")
