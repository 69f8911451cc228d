import { checkWires, unpackWires } from '../src/ledger/signature-checks.js'
import { workerTask } from './task.js'

export default workerTask<'verify-signatures'>((task) => checkWires(task.chainId, unpackWires(task)))
