import type { ErrorArea } from './entry.js'

/** Why a copy is not whole or a run did not hold: said by commands and the API in `problems`, never thrown. */
export const problemErrors = {
  DRAW_NOBODY: {
    class: 'Finding',
    cause:
      'No pinner or signer is left to be drawn for a copy that has the room and the deposit, and was not out for it before.',
    remedy: 'Wait: it is tried again. If it lasts, the chain has too few pinners or signers for the plan.'
  },
  COPY_UNPAID: {
    class: 'Finding',
    cause: 'The balance of a hypercore does not pay for encoding a copy.',
    remedy: 'Donate to it.'
  },
  DRAW_SILENT: {
    class: 'Finding',
    cause: 'A pinner or signer was drawn for a copy and said neither yes nor no in its time.',
    remedy: 'Nothing: another one is drawn. Whoever runs that role looks whether it runs.'
  },
  DRAW_BUSY: {
    class: 'Finding',
    cause: 'A pinner that was drawn for a copy has no room for it, or a disk that takes no more writes.',
    remedy: 'Nothing: another one is drawn. Whoever runs that role looks at its disk.'
  },
  DRAW_DECLINED: {
    class: 'Finding',
    cause:
      'A pinner or signer that was drawn for a copy said no, or gave up without a reason that could be checked.',
    remedy: 'Nothing: others are drawn. Its log says why.'
  },
  SIGNER_FAULT: {
    class: 'Finding',
    cause: 'A pinner has shown with evidence that what its signer sent does not hold.',
    remedy: 'Nothing: another signer is drawn, and this one pays.'
  },
  SIGNER_LATE: {
    class: 'Finding',
    cause: 'A signer delivered nothing, or not all, in its time.',
    remedy:
      'Nothing: another one goes on from what it has signed. If it repeats, its cores or its line are too slow.'
  },
  PINNER_SILENT: {
    class: 'Finding',
    cause: 'A pinner did not say in its time what came of a delivery.',
    remedy: 'Nothing: another pair is drawn. Whoever runs that role looks whether it runs.'
  },
  PLAN_IN_GRACE: {
    class: 'Finding',
    cause: 'The balance of a hypercore does not pay what is due on its copies.',
    remedy: 'Donate to it before its grace ends, or its copies are deleted.'
  },
  COPY_MISSED: {
    class: 'Finding',
    cause: 'A copy was challenged while its pinner was away.',
    remedy: 'Nothing: it owes a longer walk when it is back, and another copy is made if it stays away.'
  },
  COPY_FAILING: {
    class: 'Finding',
    cause: 'A pinner could not show what it was asked for of a copy.',
    remedy: 'Nothing: with more failures the copy is lost and made again by others.'
  },
  HYPERCORE_HOLES: {
    class: 'Finding',
    cause:
      'Nobody who serves a hypercore has some of its blocks: its author has cleared them, or they were never with anybody.',
    remedy: 'What is there is kept. If the blocks are still wanted, have whoever has them serve them first.'
  },
  COPIES_MISSING: {
    class: 'Finding',
    cause: 'A hypercore has fewer copies than were wanted.',
    remedy: 'See what is said of the copies that are missing.'
  },
  COPY_UNPROVEN: {
    class: 'Finding',
    cause: 'A copy has passed no storage challenge, or no retrieval check, in the time that a run had.',
    remedy: 'Run it again; if it repeats, the machine is too slow for so many roles.'
  },
  PINNER_FAILED: {
    class: 'Finding',
    cause: 'A pinner of a network in which all are honest failed a challenge or a check.',
    remedy: 'See its log: a disk or a machine that is too slow, or a fault of datdot.'
  },
  NOTHING_PAID: {
    class: 'Finding',
    cause: 'In a whole run nothing was minted, or nothing burned.',
    remedy: 'This is a fault of datdot: report it with the folder of the run.'
  },
  LEDGER_SUM: {
    class: 'Finding',
    cause: 'The accounts of a ledger do not sum to nothing.',
    remedy: 'This is a fault of datdot: report it with the folder of the run.'
  },
  READ_DIFFERS: {
    class: 'Finding',
    cause: 'What a stock client read back is not what was published.',
    remedy: 'This is a fault of datdot or of the disk: report it with the folder of the run.'
  }
} as const satisfies ErrorArea
