// An HTTP server and its clients in one program, goroutines, timers, a child, and the end by a signal.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) > 1 {
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGTERM)
		fmt.Println("ready")
		<-stop
		os.Exit(7)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello "+r.URL.Path) }))
	var good atomic.Int64
	var group sync.WaitGroup
	for i := 0; i < 20; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			for j := 0; j < 50; j++ {
				answer, err := http.Get(fmt.Sprintf("http://%s/%d", listener.Addr(), i))
				if err != nil {
					fmt.Println(err)
					return
				}
				text, _ := io.ReadAll(answer.Body)
				answer.Body.Close()
				if string(text) == fmt.Sprintf("hello /%d", i) {
					good.Add(1)
				}
			}
		}(i)
	}
	group.Wait()
	fmt.Println(good.Load(), "answers")
	sums := make(chan int)
	for i := 0; i < 5000; i++ {
		go func(i int) { sums <- i }(i)
	}
	total := 0
	for i := 0; i < 5000; i++ {
		total += <-sums
	}
	garbage := 0
	for i := 0; i < 2000; i++ {
		garbage += len(make([]byte, 1<<16))
	}
	runtime.GC()
	fmt.Println(total, garbage)
	out, err := exec.Command("/bin/echo", "child").Output()
	fmt.Printf("%q %v\n", out, err)
	_, err = exec.Command("/missing").Output()
	fmt.Println(err)
	func() {
		defer func() { fmt.Println(recover()) }()
		var nothing *net.TCPAddr
		fmt.Println(nothing.Port)
	}()
	started := time.Now()
	spin := 0
	for time.Since(started) < 30*time.Millisecond {
		spin++
	}
	fmt.Println(spin > 0, syscall.Kill(os.Getpid(), 0))
}
