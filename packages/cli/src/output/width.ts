/** How many columns a text takes on a terminal. The doctor's pages are laid out by the same. */
export { cutTo, padTo, widthOf } from '@rollcall/diagnosis/text';
