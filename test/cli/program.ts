import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { TestContext } from 'node:test'
import { tellFailure } from '../../src/cli/command.js'
import { datdot } from '../../src/cli/commands.js'
import { nothingLeft, openResources } from '../helpers/open-resources.js'
import { closeAfter, type Closing } from '../helpers/close-after.js'

/** The compiled program. */
export const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url))

/** The real program in a process group of its own. */
export interface Program {
  child: ChildProcess
  stdout(): string
  stderr(): string
  /** Resolves with the exit code when the program has ended and its output is read. */
  ended: Promise<number | null>
}

export interface ProgramOptions {
  cwd?: string
  /** Where the program makes its temporary folders. */
  tmp?: string
  /** Beside the environment of this process. */
  env?: NodeJS.ProcessEnv
}

/** Starts `datdot` with these arguments; what is left of it is killed with the test. */
export function startProgram(t: Closing, args: string[], options: ProgramOptions = {}): Program {
  const { cwd, tmp } = options
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    ...(tmp === undefined ? {} : { TMPDIR: tmp }),
    ...options.env
  }
  delete env.npm_lifecycle_event
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let [stdout, stderr] = ['', '']
  child.stdout?.on('data', (text: Buffer) => (stdout += text.toString()))
  child.stderr?.on('data', (text: Buffer) => (stderr += text.toString()))
  const ended = once(child, 'close').then(() => child.exitCode)
  closeAfter(t, () => {
    if (leftRunning(child)) process.kill(-child.pid!, 'SIGKILL')
  })
  return { child, stdout: () => stdout, stderr: () => stderr, ended }
}

/** Whether any process of the program's group still lives. */
export function leftRunning({ pid }: ChildProcess): boolean {
  try {
    process.kill(-pid!, 0)
    return true
  } catch {
    return false
  }
}

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
  left: boolean
}

/** Runs `datdot` to its end. */
export async function runProgram(t: Closing, args: string[], options: ProgramOptions = {}): Promise<Ended> {
  const program = startProgram(t, args, options)
  const code = await program.ended
  return { code, stdout: program.stdout(), stderr: program.stderr(), left: leftRunning(program.child) }
}

/**
 * The same without a process of its own, where that is not the point: some hundred times cheaper. What is open afterwards
 * that was not before counts as left running.
 */
export async function callProgram(
  t: TestContext,
  args: string[],
  { cwd = process.cwd(), tmp = process.env.TMPDIR }: ProgramOptions = {}
): Promise<Ended> {
  const said = { stdout: '', stderr: '' }
  const stream = (name: keyof typeof said): Writable =>
    new Writable({
      write(text: Buffer, _encoding, done) {
        said[name] += text.toString()
        done()
      }
    })
  const before = openResources()
  const { TMPDIR } = process.env
  const setTmp = (value: string | undefined): void => {
    if (value === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = value
  }
  setTmp(tmp)
  const io = { stdout: stream('stdout'), stderr: stream('stderr'), signal: t.signal, cwd: () => cwd }
  let code
  try {
    code = await datdot(args, io)
  } catch (error) {
    code = tellFailure(error, { ...io, args })
  } finally {
    setTmp(TMPDIR)
  }
  await nothingLeft(before, `left open by ${args.join(' ')}`)
  return { code, ...said, left: false }
}

/** Waits for something that a running program brings about, until the program ends. */
export async function until(program: Program, holds: () => boolean): Promise<void> {
  while (!holds()) {
    if (program.child.exitCode !== null) {
      throw new Error(`the program ended with ${program.child.exitCode}: ${program.stderr()}`)
    }
    await sleep(25)
  }
}
