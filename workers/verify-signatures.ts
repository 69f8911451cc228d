import { unpackWires } from '../src/chain/signatures.js'
import { verifySignatures } from '../src/chain/operations.js'
import { workerTask } from './task.js'

export default workerTask<'verify-signatures'>((task) => verifySignatures(task.chainId, unpackWires(task)))
