package interop;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Goes through scenarios: {@code Main <bootstrap> <scenario>…}. What it prints, client-program.ts reads. */
public final class Main {
  interface Scenario {
    void run() throws Exception;
  }

  private static final BufferedReader ANSWERS = new BufferedReader(new InputStreamReader(System.in));

  public static void main(String[] arguments) {
    Cluster cluster = new Cluster(arguments[0]);
    Map<String, Scenario> scenarios = new LinkedHashMap<>();
    new Records(cluster).addTo(scenarios);
    new Transactions(cluster).addTo(scenarios);
    new Groups(cluster).addTo(scenarios);
    new Administration(cluster).addTo(scenarios);
    for (String name : List.of(arguments).subList(1, arguments.length)) {
      try {
        scenarios.get(name).run();
        System.out.println("passed " + name);
      } catch (Exception | AssertionError problem) {
        System.out.println("failed " + name + " " + textOf(problem));
      }
    }
    System.exit(0);
  }

  /** Returns when the broker is up again. */
  static void killBroker() {
    System.out.println("kill-broker");
    try {
      ANSWERS.readLine();
    } catch (IOException problem) {
      throw new UncheckedIOException(problem);
    }
  }

  private static String textOf(Throwable problem) {
    StackTraceElement where = problem.getStackTrace()[0];
    for (StackTraceElement each : problem.getStackTrace()) {
      if (each.getClassName().startsWith("interop.") && !each.getClassName().equals(Check.class.getName())) {
        where = each;
        break;
      }
    }
    String cause = problem.getCause() == null ? "" : " because of " + problem.getCause();
    return (problem + cause + " at " + where).replaceAll("\\s+", " ");
  }
}
