// From reset to Swift: vectors, memory, and the one instruction that Swift has no word for.
  .syntax unified
  .thumb

  .section .vectors, "a"
  .word stack_top
  .word reset
  .rept 14 + 60
  .word fault
  .endr

  .section .text.start, "ax"
  .thumb_func
  .global reset
reset:
  cpsid i                       // interrupts wake the processor and are never taken
  ldr r0, =data_begin
  ldr r1, =data_end
  ldr r2, =data_source
1:cmp r0, r1
  itt lo
  ldrlo r3, [r2], #4
  strlo r3, [r0], #4
  blo 1b
  ldr r0, =bss_begin
  ldr r1, =bss_end
  movs r3, #0
2:cmp r0, r1
  it lo
  strlo r3, [r0], #4
  blo 2b
  ldr r0, =bit_rate
  bl firmware_main

// A trap of Swift, a bus fault: the servos' power goes off here and now, and the watchdog starts the firmware anew.
  .thumb_func
  .global fault
fault:
  ldr r0, =0x40028008           // PWMENABLE
  movs r1, #0
  str r1, [r0]
  ldr r0, =0x40006100           // PC6
  str r1, [r0]
  .global hang
hang:
  b hang

  .thumb_func
  .global wait_for_interrupt
wait_for_interrupt:
  dsb
  wfi
  bx lr
