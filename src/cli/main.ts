#!/usr/bin/env node
process.stderr.write('datdot: not yet\n')
process.exitCode = 2
