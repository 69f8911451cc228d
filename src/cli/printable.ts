/**
 * Text that may hold what a stranger wrote, such as a file's name, for a terminal: control characters and those that turn the
 * direction of writing become escapes as in JSON.
 */
export function printable(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`
  )
}
