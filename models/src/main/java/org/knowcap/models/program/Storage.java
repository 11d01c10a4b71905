package org.knowcap.models.program;

/**
 * Where a lowered program stores the tensors of its operations, and in which precision: by default in bf16 where the program
 * computes in bf16. An operation says of each of its tensors what it needs.
 */
public interface Storage {
  /** A tensor that is read as it is stored. */
  Tensor read(Tensor tensor);

  /** A tensor as a matmul reads it: in a bf16 program, the bf16 copy of one that is stored in fp32. */
  Tensor operand(Tensor tensor);

  /** A tensor that is read in fp32: a copy of one that is stored in bf16. */
  Tensor fp32(Tensor tensor);

  /** A result that is stored in fp32. */
  Tensor inFp32(Tensor result);

  /** A result that overwrites a tensor that is read: in the same memory if no other operation reads that, otherwise in a copy. */
  Tensor inPlace(Tensor read, Tensor result);
}
