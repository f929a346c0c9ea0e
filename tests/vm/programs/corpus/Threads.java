import java.io.*;
import java.net.*;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.stream.*;

/** Java: thread pools, parallel streams, garbage, files, processes, sockets, stack overflow, null faults. */
public class Threads {
	static int depth(int n) { return depth(n + 1) + 1; }

	public static void main(String[] args) throws Exception {
		ExecutorService pool = Executors.newFixedThreadPool(16);
		List<Future<Integer>> results = new ArrayList<>();
		for (int i = 0; i < 200; i++) { final int n = i; results.add(pool.submit(() -> n * n)); }
		int sum = 0; for (Future<Integer> r : results) sum += r.get();
		pool.shutdown(); System.out.println(sum + " " + pool.awaitTermination(10, TimeUnit.SECONDS));
		System.out.println(IntStream.range(0, 1_000_000).parallel().filter(n -> n % 7 == 0).count());
		long kept = 0; for (int i = 0; i < 2000; i++) { byte[] garbage = new byte[100_000]; garbage[i] = 1; kept += garbage[i]; }
		System.gc(); System.out.println(kept);
		Path file = Files.createTempFile("j", "x"); Files.writeString(file, "text\n".repeat(1000)); System.out.println(Files.lines(file).count());
		try { depth(0); } catch (StackOverflowError e) { System.out.println("overflow"); }
		try { Object o = args.length > 5 ? "" : null; System.out.println(o.hashCode()); } catch (NullPointerException e) { System.out.println("null"); }
		Process p = new ProcessBuilder("sh", "-c", "echo child; exit 3").redirectErrorStream(true).start();
		System.out.println(new BufferedReader(new InputStreamReader(p.getInputStream())).readLine() + " " + p.waitFor());
		try { new ProcessBuilder("/missing").start(); } catch (IOException e) { System.out.println("missing"); }
		ServerSocket server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
		Thread t = new Thread(() -> { try (Socket s = server.accept()) { s.getInputStream().transferTo(s.getOutputStream()); } catch (IOException e) { System.out.println(e); } });
		t.start(); Socket s = new Socket(server.getInetAddress(), server.getLocalPort());
		s.getOutputStream().write("echo".getBytes()); s.shutdownOutput(); System.out.println(new String(s.getInputStream().readAllBytes())); t.join();
		synchronized (file) { file.wait(20); }
		Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("hook")));
		System.exit(5);
	}
}
