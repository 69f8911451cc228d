import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Markdown files of the repository. */
function documents(): string[] {
  const tops = readdirSync(root).filter((name) => name.endsWith('.md'))
  const below = ['docs', 'native'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md') && !name.includes('node_modules'))
      .map((name) => join(folder, name))
  )
  return [...tops, ...below]
}

/** What a document links to inside the repository. */
function links(text: string): string[] {
  return [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
    .map((match) => match[1]!)
    .filter((target) => !/^[a-z]+:/.test(target))
}

/** Paths that a document names in code font: with a folder of the project in front. */
function paths(text: string): string[] {
  return [
    ...text.matchAll(/`((?:src|test|workers|native|bench|docs|scripts|dashboard|examples)\/[^`\s*]*)`/g)
  ]
    .map((match) => match[1]!.replace(/[:#].*$/, ''))
    .filter((path) => !path.includes('…') && !/[A-Z]{3}/.test(path))
}

test('every link of a document leads to a file of the repository', () => {
  for (const document of documents()) {
    for (const target of links(readFileSync(join(root, document), 'utf8'))) {
      const path = normalize(join(dirname(document), target))
      assert.ok(existsSync(join(root, path)), `${document} links to ${target}`)
    }
  }
})

test('every path that a document names is there', () => {
  for (const document of documents().filter((name) => name !== 'CHANGELOG.md')) {
    for (const path of paths(readFileSync(join(root, document), 'utf8'))) {
      for (const one of alternatives(path)) assert.ok(existsSync(join(root, one)), `${document} names ${one}`)
    }
  }
})

test('ARCHITECTURE.md answers at least 24 questions, each with a place', () => {
  const table = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8')
    .split('\n')
    .filter((line) => /^\| .*\?.*\|/.test(line))
  assert.ok(table.length >= 24, `${table.length} questions`)
  for (const row of table) assert.ok(paths(row).length + links(row).length > 0, `no place in: ${row}`)
})

test('the folders of src are those of the picture in ARCHITECTURE.md', () => {
  const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8')
  const folders = readdirSync(join(root, 'src')).filter((name) =>
    statSync(join(root, 'src', name)).isDirectory()
  )
  for (const folder of folders.filter((name) => name !== 'types')) {
    assert.match(text, new RegExp(`\\b${folder}/`), `${folder}/ is not in ARCHITECTURE.md`)
  }
})

/** `a/{b,c}.ts` stands for both. */
function alternatives(path: string): string[] {
  const match = /^(.*)\{([^}]*)\}(.*)$/.exec(path)
  if (!match) return [path]
  return match[2]!.split(',').map((part) => `${match[1]}${part.trim()}${match[3]}`)
}
