import assert from 'node:assert/strict'
import { test } from 'node:test'
import ts from 'typescript'
import { assertedWords } from './asserted.js'

/** The words that are asserted in files of these texts. */
function words(files: Record<string, string>): string[] {
  const sources = Object.entries(files).map(([path, text]) => ({
    path,
    tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  }))
  return [...assertedWords(sources)].sort()
}

const asserted: Record<string, string> = {
  'the code of an error': `assert.rejects(opened(store), { code: 'LOST' })`,
  'a value': `assert.equal(error.code, 'LOST')`,
  'a pattern': 'assert.match(said, /\\[LOST\\]/)',
  'a pattern made of words': 'assert.match(said, new RegExp(`^${name}: LOST`))',
  'one of two': `assert.equal(error.code, early ? 'LOST' : undefined)`,
  'a comparison': `assert.ok(lines.some(({ code }) => code === 'LOST'))`,
  'a comparison with a name': `const lost = error.code === 'LOST'\nassert.ok(lost)`,
  'words of a line': `assert.ok(lines.some((line) => line.includes('LOST')))`,
  'a table that is gone through': `for (const [code, use] of [['LOST', a]]) assert.throws(use, { code })`,
  'a table with a name': `const rows = [{ code: 'LOST', use }]
    for (const { code, use } of rows) test(code, () => { assert.throws(use, { code }) })`,
  'a table by name': `const rows = { first: 'LOST' }
    for (const [name, code] of Object.entries(rows)) assert.throws(use[name], { code })`,
  'what is expected, with a name': `const expected = { code: 'LOST' }\nassert.throws(use, expected)`,
  'what a function asserts': `function fails(use, code) { assert.throws(use, { code }) }\nfails(use, 'LOST')`,
  'what a function has another one assert': `const fails = (use, code) => assert.throws(use, { code })
    function failsToo(use, code) { fails(use, code) }
    failsToo(use, 'LOST')`
}

for (const [name, text] of Object.entries(asserted)) {
  test(`a word is asserted as ${name}`, () => {
    assert.deepEqual(words({ 'test/one.ts': text }), ['LOST'])
  })
}

test('a word is asserted by a function of another file, also under another name', () => {
  const files = {
    'test/one/fails.ts': `export function fails(use, code) { assert.throws(use, { code }) }`,
    'test/two.ts': `import { fails as refuses } from './one/fails.js'\nrefuses(use, 'LOST')`
  }
  assert.deepEqual(words(files), ['LOST'])
  assert.deepEqual(words({ ...files, 'test/one/fails.ts': 'export function fails(use, code) {}' }), [])
})

const named: Record<string, string> = {
  'in a comment': `// LOST\nassert.throws(use)`,
  'in a list that only says what is left out': `const left = ['LOST']
    assert.deepEqual(codes.filter((code) => !left.includes(code)), [])`,
  'as one of several outcomes': `assert.ok(['begun', 'LOST'].includes(outcome), outcome)`,
  'as the name of a test': `test('LOST', () => { assert.throws(use) })`,
  'in the words of a failure': `assert.ok(done, 'LOST')\nassert.equal(a, b, 'LOST')\nassert.fail('LOST')`,
  'where it is denied': `assert.notEqual(error.code, 'LOST')\nassert.ok(error.code !== 'LOST')`,
  'in an error that the test makes': `assert.rejects(take(new ChainError('LOST', 'gone')))`,
  'in what is done': `assert.doesNotThrow(() => refuse('LOST'))\nassert.throws(() => refuse('LOST'))`,
  'where the test only chooses by it': `if (error.code === 'LOST') assert.ok(done)`,
  'in a table that nothing is compared with': `for (const code of ['LOST']) use(code)`
}

for (const [name, text] of Object.entries(named)) {
  test(`a word that is named ${name} is not asserted`, () => {
    assert.deepEqual(words({ 'test/one.ts': text }), [])
  })
}
