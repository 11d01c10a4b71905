package org.knowcap.models.engine.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** One worker's matmuls by oneDNN, on the worker's own thread, with one scratch space for all of them. */
final class OneDnnMatMuls implements MatMuls {
  private static final int ARGUMENT_BYTES = 16;

  private final OneDnn library;
  private final MemorySegment memory;
  private final MemorySegment stream;
  private final Arena arena = Arena.ofShared();
  private final List<MemorySegment> memories = new ArrayList<>();
  private final List<MemorySegment> scratches = new ArrayList<>();
  private final List<MemorySegment> primitives = new ArrayList<>();
  private MemorySegment scratch = MemorySegment.NULL;

  OneDnnMatMuls(OneDnn library, MemorySegment memory) {
    this.library = library;
    this.memory = memory;
    stream = library.stream();
  }

  private record Argument(int number, MemorySegment memory) {}

  @Override
  public Runnable matmul(Matrix a, Matrix b, Optional<Matrix> bias, Matrix out, boolean accumulate) {
    if (out.count() == 1 || a.columns() > 1) {
      return primitive(a, b, bias, out, accumulate);
    }
    // oneDNN 3.11 misreads stacks of single rows that do not lie one behind the other: these go one by one.
    List<Runnable> each = new ArrayList<>();
    for (int i = 0; i < out.count(); i++) {
      each.add(primitive(a.single(i), b.single(i), bias, out.single(i), accumulate));
    }
    return () -> each.forEach(Runnable::run);
  }

  /** A primitive with its list of arguments, and the memory objects in it. */
  private record Call(MemorySegment handle, int count, MemorySegment list, MemorySegment a, MemorySegment b,
      Optional<MemorySegment> bias, MemorySegment out) {}

  private Runnable primitive(Matrix a, Matrix b, Optional<Matrix> bias, Matrix out, boolean accumulate) {
    Call call = call(a, b, bias, out, accumulate);
    return () -> library.execute(call.handle, stream, call.count, call.list);
  }

  @Override
  public Movable movable(Matrix a, Matrix b, Optional<Matrix> bias, Matrix out, boolean accumulate) {
    Call call = call(a, b, bias, out, accumulate);
    long base = memory.address();
    return (aAt, bAt, biasAt, outAt) -> {
      library.move(call.a, base + aAt);
      library.move(call.b, base + bAt);
      if (call.bias.isPresent()) {
        library.move(call.bias.get(), base + biasAt);
      }
      library.move(call.out, base + outAt);
      library.execute(call.handle, stream, call.count, call.list);
    };
  }

  private Call call(Matrix a, Matrix b, Optional<Matrix> bias, Matrix out, boolean accumulate) {
    List<Argument> arguments = new ArrayList<>();
    MemorySegment aDescriptor = library.descriptor(a);
    MemorySegment bDescriptor = library.descriptor(b);
    MemorySegment outDescriptor = library.descriptor(out);
    Optional<MemorySegment> biasDescriptor = bias.map(library::descriptor);
    MemorySegment aMemory = memory(aDescriptor, a);
    MemorySegment bMemory = memory(bDescriptor, b);
    MemorySegment outMemory = memory(outDescriptor, out);
    Optional<MemorySegment> biasMemory = biasDescriptor
        .map(descriptor -> memory(descriptor, bias.orElseThrow()));
    arguments.add(new Argument(OneDnn.SOURCE, aMemory));
    arguments.add(new Argument(OneDnn.WEIGHTS, bMemory));
    arguments.add(new Argument(OneDnn.DESTINATION, outMemory));
    biasMemory.ifPresent(object -> arguments.add(new Argument(OneDnn.BIAS, object)));
    OneDnn.Primitive primitive = library.product(aDescriptor, bDescriptor, biasDescriptor, outDescriptor,
        accumulate);
    primitives.add(primitive.handle());
    if (primitive.scratchBytes() > 0) {
      scratches.add(primitive.scratch());
      arguments.add(new Argument(OneDnn.SCRATCH, primitive.scratch()));
      grow(primitive.scratchBytes());
    }
    library.destroyDescriptor(aDescriptor);
    library.destroyDescriptor(bDescriptor);
    library.destroyDescriptor(outDescriptor);
    biasDescriptor.ifPresent(library::destroyDescriptor);

    MemorySegment list = arena.allocate((long) ARGUMENT_BYTES * arguments.size(), 8);
    for (int i = 0; i < arguments.size(); i++) {
      list.set(ValueLayout.JAVA_INT, (long) ARGUMENT_BYTES * i, arguments.get(i).number());
      list.set(ValueLayout.ADDRESS, (long) ARGUMENT_BYTES * i + 8, arguments.get(i).memory());
    }
    return new Call(primitive.handle(), arguments.size(), list, aMemory, bMemory, biasMemory, outMemory);
  }

  private MemorySegment memory(MemorySegment descriptor, Matrix matrix) {
    MemorySegment object = library.memory(descriptor,
        MemorySegment.ofAddress(memory.address() + matrix.offset()));
    memories.add(object);
    return object;
  }

  /**
   * Grows the scratch space to the size that the largest matmul needs; matmuls run one after the other, so one is
   * enough.
   */
  private void grow(long bytes) {
    if (bytes > scratch.byteSize()) {
      scratch = arena.allocate(bytes, 64);
      scratches.forEach(object -> library.move(object, scratch.address()));
    } else {
      library.move(scratches.getLast(), scratch.address());
    }
  }

  @Override
  public void close() {
    primitives.forEach(library::destroyPrimitive);
    memories.forEach(library::destroyMemory);
    scratches.forEach(library::destroyMemory);
    library.destroyStream(stream);
    arena.close();
  }
}
