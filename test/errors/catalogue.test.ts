import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { areas, catalogue, isErrorCode, type ErrorCode } from '../../src/errors/catalogue.js'
import type { ErrorEntry } from '../../src/errors/entry.js'
import { documentErrors } from '../../src/errors/document.js'
import { assertedWords } from './asserted.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const codes = Object.keys(catalogue) as ErrorCode[]
const entries = Object.entries<ErrorEntry>(catalogue)

/** A code as it stands in a source. */
interface Mention {
  code: string
  place: string
  /** The class that it is given to, where it is the first argument of one. */
  thrownAs: string | undefined
  /** Whether it is only compared with, or a type. */
  asked: boolean
}

/** Sources of a folder of the repository, but for the catalogue and tests of it. */
function sources(folder: string): { path: string; tree: ts.SourceFile }[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => path.endsWith('.ts') && !/^(src|test)\/errors\//.test(path))
    .map((path) => {
      const text = readFileSync(join(root, path), 'utf8')
      return { path, tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) }
    })
}

function mentions(folder: string): Mention[] {
  const found: Mention[] = []
  for (const { path, tree } of sources(folder)) {
    const visit = (node: ts.Node): void => {
      ts.forEachChild(node, visit)
      if (!ts.isStringLiteralLike(node) || !isErrorCode(node.text)) return
      const line = tree.getLineAndCharacterOfPosition(node.getStart()).line + 1
      found.push({ code: node.text, place: `${path}:${line}`, thrownAs: classOf(node), asked: isAsked(node) })
    }
    visit(tree)
  }
  return found
}

/** The class of `new SomeError(code, …)`, also where the code is one of two. */
function classOf(node: ts.Node): string | undefined {
  const { parent } = node
  if (ts.isConditionalExpression(parent)) return classOf(parent)
  if (!ts.isNewExpression(parent) || parent.arguments?.[0] !== node) return undefined
  const name = parent.expression.getText().replace(/^.*\./, '')
  return name.endsWith('Error') ? name : undefined
}

/** Whether a code is compared with, listed or typed, rather than given. */
function isAsked({ parent }: ts.Node): boolean {
  if (ts.isLiteralTypeNode(parent) || ts.isArrayLiteralExpression(parent)) return true
  if (ts.isCallExpression(parent)) return parent.expression.getText() === 'hasCode'
  if (!ts.isBinaryExpression(parent)) return false
  const { kind } = parent.operatorToken
  return kind === ts.SyntaxKind.EqualsEqualsEqualsToken || kind === ts.SyntaxKind.ExclamationEqualsEqualsToken
}

const inSources = ['src', 'workers'].flatMap(mentions)

test('every code has a cause and a remedy, in sentences', () => {
  for (const [code, { cause, remedy }] of entries) {
    assert.match(code, /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/)
    for (const sentence of [cause, remedy]) assert.match(sentence, /^[A-Z`].{5,}\.$/, code)
  }
})

test('no code is in two areas', () => {
  const all = Object.values(areas).flatMap((area) => Object.keys(area))
  assert.deepEqual(all.toSorted(), [...codes].sort())
})

test('every code is given to an error, verdict or report somewhere', () => {
  const given = new Set(inSources.filter(({ asked }) => !asked).map(({ code }) => code))
  assert.deepEqual(
    codes.filter((code) => !given.has(code)),
    []
  )
})

test('every error is of the class that the catalogue says', () => {
  const wrong = inSources.filter(
    ({ code, thrownAs }) => thrownAs !== undefined && thrownAs !== catalogue[code as ErrorCode].class
  )
  assert.deepEqual(wrong, [])
})

test('every code is provoked by a test that asserts it', () => {
  const asserted = assertedWords(sources('test'))
  assert.deepEqual(
    codes.filter((code) => !asserted.has(code)),
    []
  )
})

test('docs/errors.md is made from the catalogue as it is', () => {
  const made = readFileSync(join(root, 'docs/errors.md'), 'utf8')
  assert.equal(made, documentErrors(), 'run npm run docs:errors')
})
