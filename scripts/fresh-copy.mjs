// Copies of the project as a fresh clone would be, with what is not committed yet: for checks that install it anew.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Copies all files that git knows, or would take, from `root` to `folder`. */
export function freshCopy(root, folder) {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '-z']
  const { status, stdout, stderr } = spawnSync('git', args, { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error(`git ls-files: ${stderr}`)
  for (const path of stdout.split('\0')) {
    if (path === '' || !existsSync(join(root, path))) continue
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    cpSync(join(root, path), join(folder, path))
  }
}

/** The environment without what npm tells the scripts that it runs about itself. */
export function plainEnvironment() {
  const own = /^npm_(config_(?!registry|cache|userconfig)|lifecycle|package)/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)))
}
