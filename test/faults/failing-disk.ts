import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { compile } from '../helpers/compiler.js'
import { temporaryFolder } from '../helpers/folder.js'

const SHIM = fileURLToPath(new URL('../../../test/faults/shim.c', import.meta.url))

/** How files fail, as test/faults/shim.c says. */
export type FaultKind = 'EIO-READ' | 'EIO-WRITE' | 'EIO' | 'ENOSPC' | 'SHORT' | 'SLOW' | 'EMFILE'

/** A disk that programs have which are started with its environment: it fails when it is told to. */
export class FailingDisk {
  readonly env: { LD_PRELOAD: string; FAULT_CONTROL: string }

  private constructor(shim: string, control: string) {
    this.env = { LD_PRELOAD: shim, FAULT_CONTROL: control }
    this.heal()
  }

  /** Needs a C compiler. */
  static build(t: TestContext): FailingDisk {
    const dir = temporaryFolder(t)
    const shim = join(dir, 'shim.so')
    compile(['-shared', '-fPIC', '-O1', '-o', shim, SHIM, '-ldl', '-lpthread'], { plain: true })
    return new FailingDisk(shim, join(dir, 'faults'))
  }

  /** From now on files whose path contains `where` fail like this, and no others. */
  fail(kind: FaultKind, where: string): void {
    writeFileSync(this.env.FAULT_CONTROL, `${kind} ${where}\n`)
  }

  /** From now on no file fails. */
  heal(): void {
    writeFileSync(this.env.FAULT_CONTROL, '')
  }
}
