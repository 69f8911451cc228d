import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { callProgram, startProgram, until, type Program } from '../cli/program.js'

/** Runs a command, in this process, that must succeed; returns the objects that it printed. */
export async function json(t: TestContext, args: string[]): Promise<Record<string, string>[]> {
  const { code, stdout, stderr } = await callProgram(t, [...args, '--json'])
  assert.equal(code, 0, stderr)
  return objects(stdout)
}

/** The objects of a program's output, one a line. */
export const objects = (text: string): Record<string, string>[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, string>)

/** Whether a program has told of an event. */
export const said = (program: Program, event: string): boolean =>
  objects(program.stdout()).some((line) => line.event === event)

/** Starts a chain; resolves when it runs. */
export async function startChain(t: TestContext, file: string): Promise<Program> {
  const chain = startProgram(t, ['chain', '--config', file, '--json'])
  await until(chain, () => said(chain, 'started'))
  return chain
}

/** Ends a program as a power failure would. */
export const kill = async (program: Program): Promise<void> => {
  program.child.kill('SIGKILL')
  await program.ended
}
