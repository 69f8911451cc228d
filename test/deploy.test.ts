import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { alertNames } from '../src/daemon/alerts.js'
import { HttpServer } from '../src/daemon/http.js'
import { CHAIN_FILE, NODE_FILE } from '../src/daemon/init.js'
import { callProgram } from './cli/program.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

test('the dashboard for Grafana asks for nothing that a program does not show', async () => {
  const http = new HttpServer({ host: '127.0.0.1', port: 0 })
  await http.ready()
  const shown = await (await fetch(`${http.url}metrics`)).text()
  await http.close()
  const { panels } = JSON.parse(read('deploy/grafana.json')) as {
    panels: { title: string; targets: { expr: string }[] }[]
  }
  const asked = panels.flatMap(({ targets }) =>
    targets.flatMap(({ expr }) => expr.match(/\b(?:datdot|nodejs|process)_\w+/g)!)
  )
  assert.ok(asked.length > 15)
  for (const name of asked) assert.match(shown, new RegExp(`^# HELP ${name} `, 'm'))
  const titles = panels.map(({ title }) => title)
  assert.equal(new Set(titles).size, titles.length)
})

test('the units run commands that there are, on the files that init writes, and end and reload as programs do', async (t) => {
  for (const [name, file] of [
    ['node', NODE_FILE],
    ['chain', CHAIN_FILE]
  ] as const) {
    const unit = read(`deploy/datdot-${name}.service`)
    const [, command, config] = /^ExecStart=\/usr\/bin\/env datdot (\S+) --config (\S+)$/m.exec(unit)!
    assert.equal(config, `/var/lib/datdot/${file}`)
    assert.equal((await callProgram(t, [command!, '--help'])).code, 0)
    assert.match(unit, /^ExecReload=\/bin\/kill -HUP \$MAINPID$/m)
    assert.match(unit, /^RestartPreventExitStatus=2$/m)
    assert.match(unit, /^StateDirectory=datdot$/m)
  }
})

test('the container has a Node that the package takes, and leaves out what is made in it', () => {
  const dockerfile = read('deploy/Dockerfile')
  const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } }
  const majors = [...dockerfile.matchAll(/^FROM node:(\d+)/gm)].map((match) => match[1])
  for (const major of majors) assert.ok(engines.node.includes(`>=${major}`), `${engines.node}, ${major}`)
  assert.equal(majors.length, 2)
  const ignored = read('deploy/Dockerfile.dockerignore').split('\n')
  for (const made of ['node_modules', 'dist', 'native/build']) assert.ok(ignored.includes(made), made)
})

test('docs/operating.md says of every alert what to do', () => {
  const text = read('docs/operating.md')
  for (const name of alertNames) assert.match(text, new RegExp(`^\\| \`${name}\` \\|`, 'm'))
})
