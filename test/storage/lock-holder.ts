/** Child process: locks the file that is named, says so, and holds it until it is killed. */
import { systemClock } from '../../src/clock.js'
import { opened } from '../../src/lifecycle.js'
import { FolderLock } from '../../src/storage/folder-lock.js'

const [path] = process.argv.slice(2)
const inUse = (): Error => new Error('it is in use')
await opened(new FolderLock({ path: path!, role: 'pinner', clock: systemClock, inUse }))
process.stdout.write('locked\n')
setInterval(() => {}, 60_000)
