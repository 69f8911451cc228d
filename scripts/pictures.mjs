// npm run pictures: has a browser look at a running network and at the report of a profile, and writes what it sees, light and
// dark, into docs/pictures/. They are the checks of these pages, which keep what they see.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const env = { ...process.env, DATDOT_PICTURES: fileURLToPath(new URL('../docs/pictures', import.meta.url)) }
for (const name of ['dashboard', 'profile']) {
  const { status } = spawnSync(process.execPath, ['scripts/check.mjs', name, '--short'], {
    cwd: root,
    env,
    stdio: 'inherit'
  })
  if (status !== 0) process.exit(status ?? 1)
}
