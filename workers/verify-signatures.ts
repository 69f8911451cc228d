import { unpackWires } from '../src/ledger/signature-checks.js'
import { verifySignatures } from '../src/protocol/operations.js'
import { workerTask } from './task.js'

export default workerTask<'verify-signatures'>((task) => verifySignatures(task.chainId, unpackWires(task)))
