import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const home = fileURLToPath(new URL('../../', import.meta.url))
const root = join(home, 'src')

/** Names that two files declare, and why. */
const exceptions: Record<string, string> = {}

/** Names that only tests use, and why. */
const forTests: Record<string, string> = {
  primeClaimHolds: 'how many claims of a proof hold is what the proof rests on'
}

/** What a file declares and exports; what it only passes on is declared elsewhere. */
function declared(path: string): string[] {
  const source = ts.createSourceFile(path, readFileSync(join(root, path), 'utf8'), ts.ScriptTarget.Latest)
  return source.statements.flatMap((statement) => {
    if (!ts.canHaveModifiers(statement)) return []
    const exported = ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
    if (!exported) return []
    if (ts.isVariableStatement(statement)) {
      return statement.declarationList.declarations.flatMap(({ name }) =>
        ts.isIdentifier(name) ? [name.text] : name.elements.flatMap(named)
      )
    }
    return named(statement)
  })
}

function named(node: ts.Node): string[] {
  const { name } = node as ts.NamedDeclaration
  return name && ts.isIdentifier(name) ? [name.text] : []
}

/** Without the stand-ins for a browser, which have the names of what they stand for. */
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
  (name) => name.endsWith('.ts') && !name.endsWith('.d.ts') && !name.startsWith('crypto/browser/')
)

test('an exported name is declared in one file of src', () => {
  const places = new Map<string, Set<string>>()
  for (const file of files) {
    for (const name of declared(file)) places.set(name, (places.get(name) ?? new Set()).add(file))
  }
  assert.ok(places.size > 500)
  const twice = [...places].filter(([name, where]) => where.size > 1 && !(name in exceptions))
  assert.deepEqual(
    twice.map(([name, where]) => `${name}: ${[...where].join(', ')}`),
    []
  )
})

test('what src exports is used by the product, not by tests alone', () => {
  // `\w+` takes every word of a file at once: a name in a comment counts as used, which errs on the safe side.
  const wordsIn = (path: string) => new Set(readFileSync(path, 'utf8').match(/\w+/g))
  const product = ['src', 'workers', 'bench', 'dashboard', 'examples', 'scripts'].flatMap((folder) =>
    readdirSync(join(home, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|tsx|js|mjs)$/.test(name))
      .map((name) => join(home, folder, name))
  )
  const words = new Map(product.map((path) => [path, wordsIn(path)]))
  const unused = files.flatMap((file) =>
    declared(file)
      .filter((name) => !(name in forTests))
      .filter((name) => ![...words].some(([path, used]) => path !== join(root, file) && used.has(name)))
      .filter((name) => !calledAtHome(join(root, file), name))
      .map((name) => `${name}: ${file}`)
  )
  assert.deepEqual(unused, [])
})

/** Whether a file uses what it declares itself: then it is exported for its tests, or for a type of its own interface. */
function calledAtHome(path: string, name: string): boolean {
  return readFileSync(path, 'utf8').split(new RegExp(`\\b${name}\\b`)).length > 2
}
