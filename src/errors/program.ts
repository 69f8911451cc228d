import type { ErrorArea } from './entry.js'

/** The command line, folders and files of the user's, and what a program needs around it. */
export const programErrors = {
  COMMAND_UNKNOWN: {
    class: 'InputError',
    cause: 'The first word after `datdot` is none of its commands.',
    remedy: 'Look the command up with `datdot --help`.'
  },
  OPTION_UNKNOWN: {
    class: 'InputError',
    cause: 'A command was given an option that it does not have.',
    remedy: 'Look its options up with `datdot COMMAND --help`.'
  },
  OPTION_VALUE: {
    class: 'InputError',
    cause: 'The value of an option or argument is missing, malformed or out of its bounds.',
    remedy: 'Give a value as the message describes it.'
  },
  OPTION_MISSING: {
    class: 'InputError',
    cause: 'An option that the command cannot do without was not given.',
    remedy: 'Add the option that the message names.'
  },
  CONFIG_UNREADABLE: {
    class: 'InputError',
    cause: 'A configuration or genesis file is missing or cannot be read.',
    remedy: 'Give the path of a file that `datdot init` wrote.'
  },
  CONFIG_SYNTAX: {
    class: 'InputError',
    cause: 'A configuration or genesis file is no TOML, or nests what has no place in it.',
    remedy: 'Mend the line that the message names.'
  },
  CONFIG_UNKNOWN: {
    class: 'InputError',
    cause: 'A configuration or genesis file has a table or setting that does not exist.',
    remedy: 'Correct the name in the line that the message names, or remove it.'
  },
  CONFIG_VALUE: {
    class: 'InputError',
    cause: 'A value in a configuration or genesis file is not what its setting takes, or is missing.',
    remedy: 'Write in the line that the message names what it asks for.'
  },
  CONFIG_CONFLICT: {
    class: 'InputError',
    cause: 'Two settings contradict each other.',
    remedy: 'Change one of the two that the message names.'
  },
  HTTP_FAILED: {
    class: 'InputError',
    cause: 'The address of `--http` is taken by another program, or is none of this machine.',
    remedy: 'Choose another `--http HOST:PORT`.'
  },
  INVITE_INVALID: {
    class: 'InputError',
    cause: 'What was given as `--invite` is no code of an invite.',
    remedy: 'Copy the code as `datdot invite` printed it.'
  },
  FILE_EXISTS: {
    class: 'InputError',
    cause: '`datdot init` does not write over a file that is there.',
    remedy: 'Choose another folder, or remove the file.'
  },
  BOOTSTRAP_MISSING: {
    class: 'InputError',
    cause: '`datdot up KEY` has to look for a hypercore on a DHT and was told of none.',
    remedy: 'Add `--bootstrap HOST:PORT` with nodes of the DHT that the key is announced on.'
  },
  KEY_DAT: {
    class: 'InputError',
    cause:
      'An address of dat:// was given; hypercores of before version 10 speak another protocol and cannot be reached.',
    remedy: 'Publish the data anew, as a folder or with a Hyperdrive of today, and give that key.'
  },
  KEY_ADDRESS: {
    class: 'InputError',
    cause: 'An address of `hyper://` or `pear://` has a name where its key should be, or part of a key.',
    remedy: 'Give the key itself; names such as `pear://keet` are known to Pear only.'
  },
  KEY_EMPTY: {
    class: 'InputError',
    cause: 'Somebody serves the hypercore that was named, but it has no blocks yet.',
    remedy: 'Have its author write something into it first.'
  },
  KEY_UNREACHABLE: {
    class: 'InputError',
    cause: 'Nobody on this DHT serves the hypercore that was named.',
    remedy: 'Check the key and `--bootstrap`, and that its author is online.'
  },
  PART_ENDED: {
    class: 'DatdotError',
    cause:
      'A process of a local network, the chain or some of its roles, ended before it was told to, or did not begin in time.',
    remedy: 'Look into the logs of the data folder, and run it again.'
  },
  PROFILE_END: {
    class: 'DatdotError',
    cause:
      'A process that `datdot profile` or a bench measures failed, ended early or did not come to what it was to do in time.',
    remedy:
      'Look at what the message says of it; on a machine that is busy try again, or with a smaller `--duration`.'
  },
  TOO_FEW_ROLES: {
    class: 'InputError',
    cause: 'More copies were asked for than there are signers or pinners to keep them.',
    remedy: 'Lower `--copies`, or raise the number of the role that the message names.'
  },
  PATH_MISSING: {
    class: 'InputError',
    cause: 'The file or folder to be kept alive does not exist.',
    remedy: 'Give the path of a folder, a file, or the key of a hypercore.'
  },
  PATH_NOT_A_FILE: {
    class: 'InputError',
    cause: 'The path is neither a folder nor a regular file.',
    remedy: 'Give a folder or a regular file.'
  },
  PATH_EMPTY: {
    class: 'InputError',
    cause: 'There is neither a file nor a link below the path, so there is nothing to keep alive.',
    remedy: 'Give a path with a file in it.'
  },
  PATH_NAME: {
    class: 'InputError',
    cause: 'A name or the target of a link cannot be written into a hyperdrive.',
    remedy: 'Rename what the message names.'
  },
  PATH_UNREADABLE: {
    class: 'InputError',
    cause: 'A file or folder to be kept alive cannot be read; the message says what the system reports.',
    remedy: 'Give this user permission to read it, or leave it out.'
  },
  DATA_NOT_A_FOLDER: {
    class: 'InputError',
    cause: 'The path given as `--data`, or a part of it, is something else than a folder.',
    remedy: 'Give a new or empty folder.'
  },
  DATA_NOT_WRITABLE: {
    class: 'InputError',
    cause: 'This user may not make or write the data folder, or it is on a disk that is read-only.',
    remedy: 'Check owner and permissions, or choose another `--data`.'
  },
  DATA_FAILED: {
    class: 'InputError',
    cause:
      'The system cannot make or write the data folder; the message repeats what it says, such as a limit of open files or a failing disk.',
    remedy: 'Remove what the system names.'
  },
  DATA_NOT_EMPTY: {
    class: 'InputError',
    cause: 'The data folder of a new network holds other files.',
    remedy: 'Give a new or empty folder.'
  },
  DATA_IN_USE: {
    class: 'InputError',
    cause: 'Another process works in this data folder.',
    remedy: 'Stop that process, or choose another `--data`.'
  },
  BACKUP_NOTHING: {
    class: 'InputError',
    cause:
      'What is to be copied is no data folder of a role or an operator, or the copy would lie within it.',
    remedy: 'Name the folder that is given as `--data`, or one of a role in it, and a place elsewhere.'
  },
  BACKUP_NONE: {
    class: 'InputError',
    cause: 'What is to be restored was not written by `datdot backup`, or that was stopped before its end.',
    remedy: 'Name the folder that `datdot backup` wrote, or restore another backup.'
  },
  BACKUP_CHAIN: {
    class: 'InputError',
    cause:
      'The folder to be copied holds a chain. Members would refuse one that goes on from an older state.',
    remedy: 'Back up its members; have the chain on a disk that is mirrored.'
  },
  BACKUP_DAMAGED: {
    class: 'InputError',
    cause: 'A file of a backup is missing, or has other bytes than when it was written.',
    remedy: 'Restore another backup, and look after the disk that this one is on.'
  },
  DATA_COPIED: {
    class: 'InputError',
    cause:
      "A chain's folder is elsewhere than where it was written: it was copied, or moved to another disk.",
    remedy: 'Move it back.'
  },
  DATA_HOLDS_NETWORK: {
    class: 'InputError',
    cause: 'The folder holds what an earlier network left.',
    remedy: 'Choose another `--data`, or remove the folder if it is not wanted any more.'
  },
  DISK_FULL: {
    class: 'InputError',
    cause: 'The disk is full, the quota is used up, or less is free than the run needs.',
    remedy: 'Free some space, or choose a folder on another disk.'
  },
  CWD_GONE: {
    class: 'InputError',
    cause: 'The folder that the command was started in does not exist any more.',
    remedy: 'Change into a folder that exists.'
  },
  TMPDIR_UNUSABLE: {
    class: 'InputError',
    cause: 'No folder can be made where temporary files belong.',
    remedy: 'Set `TMPDIR` to a folder that exists and can be written.'
  },
  NATIVE_NOT_LOADED: {
    class: 'InputError',
    cause: 'The native part of a package is missing, or does not load in this Node or on this machine.',
    remedy: 'Run `npm rebuild`, or install again with `npm ci` with the Node that runs it.'
  },
  OUTPUT_FAILED: {
    class: 'InputError',
    cause:
      'What a command has to say cannot be written to standard output, such as to a file on a full disk.',
    remedy: 'Give it another place to write to.'
  },
  FOLDER_NO_LOCKS: {
    class: 'InputError',
    cause: 'A folder is on a file system without locks, where nothing keeps two processes out of it.',
    remedy: 'Choose a folder on a local disk.'
  },
  SECRET_UNREADABLE: {
    class: 'InputError',
    cause: 'A file with a secret key exists and cannot be read.',
    remedy: 'Check its owner, and that it is a regular file.'
  },
  SECRET_NOT_WRITTEN: {
    class: 'InputError',
    cause: 'A file with a secret key cannot be written; the message says what the system reports.',
    remedy:
      'Check owner and permissions of its folder; nothing of the key was lost that was on the disk before.'
  },
  SECRET_EXPOSED: {
    class: 'InputError',
    cause: 'Others than its owner may read a file with a secret key.',
    remedy: 'Run `chmod 600` on it; where others may have read it, take a new identity.'
  },
  SECRET_MISSING: {
    class: 'InputError',
    cause:
      'A file with a secret key is gone, and beside it lies what was made with it: a ledger, copies, receipts.',
    remedy:
      'Restore the file from a backup. Without it nothing goes on from what lies there; to begin anew, choose another folder.'
  },
  SECRET_MALFORMED: {
    class: 'InputError',
    cause: 'A file with a secret key does not hold one.',
    remedy: 'Restore the file from a backup.'
  },
  CONSUMER_FAILED: {
    class: 'DatdotError',
    cause:
      'The process that reads the drive back like any reader ended with an error, which the message repeats.',
    remedy: 'Follow its message; the logs in the data folder say what the pinners did meanwhile.'
  },
  UNEXPECTED: {
    class: 'Finding',
    cause: 'Something ended for a reason that datdot did not expect and has no code for.',
    remedy: 'Read the message; report it if it says nothing that you can mend.'
  },
  WAITED_TOO_LONG: {
    class: 'DatdotError',
    cause: 'Something that the run on this machine waits for did not happen in time.',
    remedy: 'Look into the logs of the data folder; on a slow or busy machine use less data or fewer roles.'
  },
  NOT_OPEN: {
    class: 'DatdotError',
    cause: 'A resource was used before it was open.',
    remedy: 'A programming error of the caller: wait for `ready`.'
  },
  CLOSED: {
    class: 'DatdotError',
    cause: 'A role, run or resource was closed while it worked, or used after it was closed.',
    remedy: 'Nothing: it is how work ends early. Programs do not use what they have closed.'
  },
  CLOSE_TIMEOUT: {
    class: 'DatdotError',
    cause: 'A part did not close in its time; the others were closed all the same.',
    remedy: 'End the process. What was committed is on the disk.'
  }
} as const satisfies ErrorArea
