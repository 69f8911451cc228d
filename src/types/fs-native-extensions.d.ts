/** What is used of fs-native-extensions: locks that belong to an open file, and that the kernel releases with it. */
declare module 'fs-native-extensions' {
  /**
   * Takes an exclusive lock on the whole file. False if somebody else has one, be it this process through another
   * opened file. Throws the system's error where the file system has no locks.
   */
  export function tryLock(fd: number): boolean
}
