// Builds the addon during `npm ci`. A machine without a compiler still gets a working, slower datdot,
// so a failed build is reported and never fails the installation.
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const nodeGyp = process.env.npm_config_node_gyp
rmSync(new URL('./build/', import.meta.url), { recursive: true, force: true })

if (existsSync(new URL('./binding.gyp', import.meta.url))) {
  const [command, args] = nodeGyp ? [process.execPath, [nodeGyp]] : ['npx', ['--yes', 'node-gyp']]
  const built = spawnSync(command, [...args, 'rebuild'], { cwd: here, encoding: 'utf8' })
  if (built.status !== 0) {
    process.stderr.write(built.stderr ?? '')
    process.stderr.write(
      'datdot: the native core could not be built; the portable TypeScript core is used, slowly. ' +
        'Install a C compiler and the Node headers, then run `npm rebuild`.\n'
    )
  }
}
