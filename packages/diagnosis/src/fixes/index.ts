/** How commands of fixes are made. */
export { restartOnly, serviceCommand, serviceCommandOf } from './services.ts';
export { all, byOperator, type Command, onNode, type SlotKind, slot } from './slots.ts';
