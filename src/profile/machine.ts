import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'

/** The machine that figures are of. */
export interface Machine {
  cpu: string
  cores: number
  memoryBytes: number
  platform: string
  node: string
}

/** What this process runs on. */
export function machine(): Machine {
  return {
    cpu: cpuKind(),
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    platform: `${process.platform} ${process.arch}`,
    node: process.version
  }
}

/** Model names hide what a CPU can do, so its family and model, where the system tells them. */
function cpuKind(): string {
  const name = cpus()[0]?.model.trim() ?? 'unknown'
  let info = ''
  try {
    info = readFileSync('/proc/cpuinfo', 'utf8')
  } catch {
    // Not Linux.
  }
  const family = /^cpu family\s*: (\d+)$/m.exec(info)?.[1]
  const model = /^model\s*: (\d+)$/m.exec(info)?.[1]
  return family === undefined ? name : `${name} (family ${family}, model ${model})`
}
