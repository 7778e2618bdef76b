package interop;

import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;

/** What a scenario claims. */
final class Check {
  private static final long PATIENCE_MS = 90_000;

  private Check() {}

  static void same(Object actual, Object expected, String what) {
    if (!Objects.equals(actual, expected)) {
      throw new AssertionError(what + ": " + shortened(actual) + " instead of " + shortened(expected));
    }
  }

  /** The work must fail with this kind of error, be it as the cause of another. */
  static void refused(Class<? extends Exception> kind, Main.Scenario work) throws Exception {
    try {
      work.run();
    } catch (Exception problem) {
      Throwable told = problem instanceof ExecutionException ? problem.getCause() : problem;
      if (kind.isInstance(told) || kind.isInstance(told.getCause())) return;
      throw problem;
    }
    throw new AssertionError("not refused with " + kind.getSimpleName());
  }

  /** Tries again until it is so. */
  static void until(String what, Callable<Boolean> condition) throws Exception {
    long end = System.nanoTime() + PATIENCE_MS * 1_000_000;
    while (!condition.call()) {
      if (System.nanoTime() > end) throw new AssertionError("waited in vain for " + what);
    }
  }

  private static String shortened(Object value) {
    String text = String.valueOf(value);
    return text.length() > 300 ? text.substring(0, 300) + "…" : text;
  }
}
