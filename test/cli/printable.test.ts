import assert from 'node:assert/strict'
import { test } from 'node:test'
import { printable } from '../../src/cli/printable.js'

test('letters of all languages stay as they are', () => {
  assert.equal(printable('Größe 文件 📄 e\u0301'), 'Größe 文件 📄 e\u0301')
})

test('what moves a terminal’s cursor, or turns the direction of writing, is shown as an escape', () => {
  assert.equal(printable('a\u001b[2Kb\r\nc\u009b\u007f'), 'a\\u001b[2Kb\\u000d\\u000ac\\u009b\\u007f')
  assert.equal(printable('gpj\u202eexe'), 'gpj\\u202eexe')
})
