import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const text = readFileSync(join(root, 'THIRD-PARTY.md'), 'utf8')
const json = <T>(path: string): T => JSON.parse(readFileSync(join(root, path), 'utf8')) as T

interface Sources {
  packedFiles: (folder: string) => string[]
  sourceFolder: () => string
}

const sources = (await import(new URL('../../native/sources.mjs', import.meta.url).href)) as Sources

/** Installed packages that are not for development alone, and have code for the processor. */
function nativePackages(): { name: string; version: string; license: string }[] {
  const lock = json<{ packages: Record<string, { dev?: boolean; peer?: boolean }> }>('package-lock.json')
  return Object.entries(lock.packages)
    .filter(([path, { dev, peer }]) => path !== '' && !dev && !peer && existsSync(join(root, path)))
    .filter(([path]) => {
      const names = readdirSync(join(root, path))
      return names.some((name) => ['prebuilds', 'binding.gyp'].includes(name) || name.endsWith('.node'))
    })
    .map(([path]) => json(join(path, 'package.json')))
}

test('every source that is compiled into an addon is named with its licence', () => {
  for (const name of sources.packedFiles(sources.sourceFolder())) {
    assert.ok(text.includes(`\`${name}\``), `THIRD-PARTY.md does not name ${name}`)
  }
  const gyp = json<{ targets: { target_name: string; sources: string[] }[] }>('native/binding.gyp')
  for (const { target_name: target, sources } of gyp.targets) {
    for (const source of sources.filter((name) => !name.startsWith('<'))) {
      const folder = `native/${source.split('/')[0]}`
      const row = new RegExp(`^\\| \`${target}\` \\| \`${folder}\` \\|.*\\| Apache-2.0 \\|$`, 'm')
      assert.match(text, row, `THIRD-PARTY.md does not say whose ${folder} in ${target} is`)
    }
  }
})

test('the package that BLAKE3 is taken from is named by its version', () => {
  const { version } = json<{ version: string }>('node_modules/@c4312/blake3-native/package.json')
  assert.ok(text.includes(`\`@c4312/blake3-native\` ${version}`))
})

test('every native part that an installation brings is named with version and licence', () => {
  const found = nativePackages()
  assert.ok(found.some(({ name }) => name === 'better-sqlite3'))
  for (const { name, version, license } of found) {
    if (name.startsWith('bare-')) {
      assert.ok(text.includes(`\`${name}\``), `THIRD-PARTY.md does not name ${name}`)
      continue
    }
    // What a package has for one system is part of the package.
    const known = name.replace(/-(linux|darwin|win32|freebsd|android|openharmony)-.*$/, '')
    const row = `| \`${known}\` | ${version} | ${license} |`
    assert.ok(text.includes(row), `THIRD-PARTY.md lacks ${row}`)
  }
})

test('no package is named that is not installed', () => {
  for (const [, name] of text.matchAll(/^\| `([@a-z][^`]*)` \| \d/gm)) {
    assert.ok(existsSync(join(root, 'node_modules', name!, 'package.json')), name)
  }
})
