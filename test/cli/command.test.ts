import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  EXIT_FAILED,
  EXIT_INPUT,
  bootstrapOption,
  bytesOption,
  explain,
  integerOption,
  parseOptions
} from '../../src/cli/command.js'
import { DatdotError, InputError } from '../../src/errors.js'

const refused = { name: 'InputError', code: 'OPTION_VALUE' }

test('a whole number within its bounds is taken, and without one the default', () => {
  const bounds = { default: 3, min: 1, max: 100 }
  assert.equal(integerOption('copies', '1', bounds), 1)
  assert.equal(integerOption('copies', '100', bounds), 100)
  assert.equal(integerOption('copies', undefined, bounds), 3)
})

for (const text of ['0', '101', '', '-1', '1.5', '1e1', '0x5', ' 5', '5 ', '٣', '99999999999999999999']) {
  test(`${JSON.stringify(text)} is not taken for a whole number from 1 to 100`, () => {
    assert.throws(() => integerOption('copies', text, { default: 3, min: 1, max: 100 }), {
      ...refused,
      message: `--copies takes a whole number from 1 to 100, not ${JSON.stringify(text)}`
    })
  })
}

test('sizes are taken in bytes, in powers of 1000 and in powers of 1024', () => {
  const bounds = { default: 1, min: 0 }
  for (const [text, bytes] of [
    ['5', 5],
    ['5b', 5],
    ['2kB', 2_000],
    ['2k', 2_000],
    ['2KiB', 2_048],
    ['1.5 MiB', 1_572_864],
    ['1GB', 1_000_000_000],
    ['1TiB', 2 ** 40]
  ] as const) {
    assert.equal(bytesOption('memory', text, bounds), bytes, text)
  }
  assert.equal(bytesOption('memory', undefined, bounds), 1)
})

for (const text of ['', 'much', '-5', '5 x', '1e6', 'MiB', '3PiB', '9999999999TiB', '3 MiB']) {
  test(`${JSON.stringify(text)} is not taken for a size of at least 4 MiB`, () => {
    assert.throws(() => bytesOption('memory', text, { default: 1, min: 4 << 20 }), refused)
  })
}

test('bootstrap nodes are names, addresses of both kinds, and ports', () => {
  assert.deepEqual(bootstrapOption('example.org:1,192.0.2.1:65535, [2001:db8::1]:49737'), [
    { host: 'example.org', port: 1 },
    { host: '192.0.2.1', port: 65_535 },
    { host: '2001:db8::1', port: 49_737 }
  ])
})

for (const text of ['', 'host', 'host:', ':5', 'host:0', 'host:65536', 'host:5x', 'a:1,,b:2', 'a b:1']) {
  test(`${JSON.stringify(text)} is not taken for bootstrap nodes`, () => {
    assert.throws(() => bootstrapOption(text), refused)
  })
}

test('an option that a command does not have, or that lacks its value, is explained in one line', () => {
  const config = { options: { data: { type: 'string' } } } as const
  assert.throws(() => parseOptions('audit', { ...config, args: ['--dat', 'x'] }), {
    code: 'OPTION_UNKNOWN',
    message: /^Unknown option '--dat'; see datdot audit --help$/
  })
  assert.throws(() => parseOptions('audit', { ...config, args: ['--data'] }), {
    code: 'OPTION_VALUE',
    message: /^Option '--data <value>' argument missing; see datdot audit --help$/
  })
})

test('what went wrong is one line with its code, and bad input has an exit code of its own', () => {
  const bad = new InputError('DATA_IN_USE', 'it is in use\n  by process 5')
  assert.deepEqual(explain(bad), {
    line: 'datdot: it is in use by process 5 [DATA_IN_USE]',
    exitCode: EXIT_INPUT,
    problem: { code: 'DATA_IN_USE', message: 'it is in use\n  by process 5', who: null }
  })
  const failed = new DatdotError('CLOSED', 'a name with \u001b[2K in it')
  assert.deepEqual(explain(failed), {
    line: 'datdot: a name with \\u001b[2K in it [CLOSED]',
    exitCode: EXIT_FAILED,
    problem: { code: 'CLOSED', message: 'a name with \u001b[2K in it', who: null }
  })
  assert.deepEqual(explain('thrown'), {
    line: 'datdot: thrown',
    exitCode: EXIT_FAILED,
    problem: { code: 'UNEXPECTED', message: 'thrown', who: null }
  })
})
