/** Say that one is ready and wait; SIGTERM ends a JVM with status 143. */
public class Waits {
	public static void main(String[] args) throws Exception {
		System.out.println("ready");
		Thread.sleep(100000);
	}
}
