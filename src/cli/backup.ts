import { resolve } from 'node:path'
import { backUp, restore, type Copied, type CopyOptions } from '../daemon/backup.js'
import { InputError } from '../errors.js'
import { EXIT_INTERRUPTED, EXIT_OK, parseOptions, type Command, type CommandIo } from './command.js'
import { world } from './configured.js'
import { tellerOf } from './telling.js'

/** `datdot backup`: a copy of a data folder that can be checked. */
export const backup: Command = copyCommand({
  name: 'backup',
  takes: 'FOLDER TO',
  help: `Copies the data folder of one role, or of all roles of an operator, to TO, which is new or empty. Refuses, and says who has it, while
anything in it runs: stop that first. Secrets are in the copy too, logs are not. A chain is not copied: it could go on from an older state.`,
  copy: backUp
})

/** `datdot restore`: a data folder from such a copy. */
export const restoreCommand: Command = copyCommand({
  name: 'restore',
  takes: 'FROM FOLDER',
  help: `Makes FOLDER, which is new or empty, of a backup, and checks every byte. Moves a folder to another disk or machine as well. What comes of
it is another instance: while the one that was copied is connected to the chain, this one waits.`,
  copy: restore
})

function copyCommand({
  name,
  takes,
  help,
  copy
}: {
  name: string
  takes: string
  help: string
  copy: (from: string, to: string, options: CopyOptions) => Promise<Copied>
}): Command {
  return {
    help: `Usage: datdot ${name} ${takes} [--json]

${help}

Options:
  --json                print one JSON object
  --help                this text

Exit codes: 0 done, 1 it failed, 2 bad input, 130 stopped by Ctrl-C; nothing is left in the new folder then.
`,
    async run(args, io) {
      const { values, positionals } = parseOptions(name, {
        args,
        allowPositionals: true,
        options: { json: { type: 'boolean' } }
      })
      const [from, to, ...rest] = positionals
      if (from === undefined || to === undefined || rest.length > 0) {
        throw new InputError('OPTION_MISSING', `${name} takes ${takes}; see datdot ${name} --help`)
      }
      return run(io, values.json === true, {
        name,
        from: resolve(io.cwd, from),
        to: resolve(io.cwd, to),
        copy
      })
    }
  }
}

async function run(
  io: CommandIo,
  json: boolean,
  {
    name,
    from,
    to,
    copy
  }: {
    name: string
    from: string
    to: string
    copy: (from: string, to: string, o: CopyOptions) => Promise<Copied>
  }
): Promise<number> {
  try {
    const { files, bytes, made } = await copy(from, to, { clock: world.clock, signal: io.signal })
    const text = `${files} files with ${bytes} bytes are in ${to}${name === 'restore' ? `, as they were at ${made}` : ''}`
    tellerOf(io, json)(name, { from, to, files, bytes, made }, text)
    return EXIT_OK
  } catch (error) {
    if (io.signal.aborted) return EXIT_INTERRUPTED
    throw error
  }
}
